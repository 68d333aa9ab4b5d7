/* A shared object that is no driver. */
int AnyOtherFunction(void);
int AnyOtherFunction(void) { return 1; }
