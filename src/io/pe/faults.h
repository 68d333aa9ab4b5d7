// What a driver's machine code does that a user-mode process may not, made to work or turned into the driver's
// exception.
#pragma once

namespace regent::io::pe {

// Takes over SIGSEGV and its kin, once; what is not about PE images goes to whoever had them before.
void catch_faults();

}  // namespace regent::io::pe
