// What a callback costs the operation that it watches, in the designs of docs/lab/04.
#pragma once

namespace regent::app {

// Prints the table; with `json` one line for each row instead. The exit code.
int measure_callback(bool json);

}  // namespace regent::app
