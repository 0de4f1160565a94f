/* The program, apart from the library of its parts: see main.c. */
#include "many.h"

int main(int argc, char **argv)
{
    return many_main(argc, argv);
}
