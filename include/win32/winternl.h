/* The native services, for programs that call Nt functions directly. */
#pragma once
#include "nt/ntservices.h"
