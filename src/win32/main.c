/* main() for programs that regent-cc --exe compiles: theirs may return nothing and takes what it likes. */
int RgProgram(int argc, char** argv);

int main(int argc, char** argv) { return RgProgram(argc, argv); }
