#pragma once

namespace herald::delivery {

// Lets the calling thread have the processor only where others leave it: of the time that it and a
// thread of normal priority both want, it gets a tenth. What it waits for without computing is not
// affected. For good: a thread without privileges cannot raise its priority again.
void LowerPriorityOfThisThread();

}  // namespace herald::delivery
