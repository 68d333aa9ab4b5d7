/* What every driver image needs of its own, as libraries of Windows' kit give it. regent-cc adds it to --pe. */
int _fltused = 0x9875; /* the compiler names it where floating point is used */
