/* Exists for sources that include it; its marks are for another compiler. */
#pragma once
