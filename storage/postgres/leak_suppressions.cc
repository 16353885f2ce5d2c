// Built with AddressSanitizer only, into every program that talks to PostgreSQL.
//
// libpqxx 6.4.5 loses the PGresult in hand (2 kB) when a link breaks during a query: make_result
// asks for the connection's encoding, which throws once the link is gone, before anything owns the
// result.
extern "C" const char* __lsan_default_suppressions();

extern "C" const char* __lsan_default_suppressions() { return "leak:PQmakeEmptyPGresult\n"; }
