/* Linked as flux-broker is, does nothing: what starting one costs at least. */

#include "broker/broker.h"

int main(int argc, char **argv)
{
    /* Never true; keeps what the broker links. */
    return argc > 1000 ? broker_new(NULL, NULL, NULL, NULL, NULL) : 0;
}
