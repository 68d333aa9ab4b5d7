// The system services as C++ sees them. Every service has one implementation, service::NtX, written in this folder
// (registry services in reg_*.cpp). It runs in the caller's thread with the caller's context in ob::current();
// arguments are the caller's raw pointers, captured once through nt/capture.h. The generated part below is made from
// include/nt/services.def: ServiceNumber, ServiceTable and the prototypes of namespace service.
#pragma once

#include "nt/service_table.gen.h"

namespace regent::nt {

// Services of the executive in this process, each behind the guard that turns bad_alloc into a status.
const ServiceTable& local_table();

// "NtOpenKey"; "?" for a number that is no service.
const char* service_name(ServiceNumber number);

}  // namespace regent::nt
