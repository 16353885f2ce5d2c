#pragma once

#include <sys/types.h>

namespace herald::bench {

// Resident memory of a process, in MiB; 0 when it is gone.
double ResidentMebibytes(pid_t process);
// Its highest since ResetPeak.
double PeakMebibytes(pid_t process);
void ResetPeak(pid_t process);

}  // namespace herald::bench
