/* The wide C library for drivers that are compiled to PE images. */
#pragma once
#include "nt/wcs.h"
