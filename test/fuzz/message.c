/* The parts of a message: whatever decodes encodes to a message that decodes alike. */
#include <stdlib.h>

#include <flux/message.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    flux_msg_t *msg = flux_msg_decode(data, size), *again;
    const char *s;
    ssize_t n;
    void *wire;

    if (!msg)
        return 0;
    flux_msg_unpack(msg, "{s?s}", "topic", &s);
    flux_msg_get_string(msg, &s);
    free(flux_msg_route_string(msg));
    n = flux_msg_encode_size(msg);
    wire = malloc(n);
    if (flux_msg_encode(msg, wire, n) < 0 || !(again = flux_msg_decode(wire, n)))
        abort();
    if (flux_msg_encode_size(again) != n)
        abort();
    free(wire);
    flux_msg_destroy(again);
    again = flux_msg_copy(msg, true);
    flux_msg_route_enable(again);
    flux_msg_route_push(again, "one-more");
    flux_msg_set_topic(again, "another.topic");
    flux_msg_destroy(msg);
    flux_msg_destroy(again);
    return 0;
}
