/* Linked as the commands are, does nothing: what starting any of them costs at least. */

#include <flux/core.h>

int main(int argc, char **argv)
{
    /* Never true; keeps the library in the needed list. */
    return argc > 1000 ? flux_open(argv[0], 0) != NULL : 0;
}
