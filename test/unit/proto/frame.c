#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "proto/frame.h"
#include "proto/msg_private.h"
#include "suite.h"

/* Frames recorded between unmodified Flux clients and a Flux broker, and what is in
 * them. */
static const struct fixture {
    const char *hex;
    int type, flags;
    uint32_t userid, rolemask, aux1, aux2;
    const char *topic;
    int nroutes;
    const char *first, *last;
    size_t payload_size;
} fixtures[] = {
    {"1200eeff00000036000b736572766963652e616464137b2273657276696365223a2273766378"
     "227d00148e01010bffffffff00000000ffffffff00000001",
     FLUX_MSGTYPE_REQUEST, 0x0b, 4294967295u, 0, 4294967295u, 1u, "service.add", 0, NULL,
     NULL, 19},
    {"1200eeff00000022000b736572766963652e616464148e010209ffffffff0000000100000000"
     "00000001",
     FLUX_MSGTYPE_RESPONSE, 0x09, 4294967295u, 1, 0u, 1u, "service.add", 0, NULL, NULL,
     0},
    {"1200eeff000000972461323962633033652d613965362d343032632d393466342d3733623530"
     "316530363761312434626263623533362d393466352d346337642d386364322d313364333639"
     "6330393861322433623137366536352d626336382d343965372d383735362d31343531396534"
     "35383935630007737663782e6869097b226b223a20317d00148e01010b000003e900000005ff"
     "ffffff00000001",
     FLUX_MSGTYPE_REQUEST, 0x0b, 1001u, 5, 4294967295u, 1u, "svcx.hi", 3,
     "3b176e65-bc68-49e7-8756-14519e45895c", "a29bc03e-a9e6-402c-94f4-73b501e067a1", 9},
    {"1200eeff000000a12461323962633033652d613965362d343032632d393466342d3733623530"
     "316530363761312434626263623533362d393466352d346337642d386364322d313364333639"
     "6330393861322433623137366536352d626336382d343965372d383735362d31343531396534"
     "35383935630007737663782e6869137b22706f6e67223a207b226b223a20317d7d00148e0102"
     "0bffffffff000000000000000000000001",
     FLUX_MSGTYPE_RESPONSE, 0x0b, 4294967295u, 0, 0u, 1u, "svcx.hi", 3,
     "3b176e65-bc68-49e7-8756-14519e45895c", "a29bc03e-a9e6-402c-94f4-73b501e067a1", 19},
    {"1200eeff000000742461323962633033652d613965362d343032632d393466342d3733623530"
     "316530363761312434626263623533362d393466352d346337642d386364322d313364333639"
     "633039386132000a746573742e746f706963087b2261223a317d00148e01040b000003e90000"
     "00050000001000000000",
     FLUX_MSGTYPE_EVENT, 0x0b, 1001u, 5, 16u, 0u, "test.topic", 2,
     "4bbcb536-94f5-4c7d-8cd2-13d369c098a2", "a29bc03e-a9e6-402c-94f4-73b501e067a1", 8},
    {"1200eeff000000920966616b65726f757465000b62726f6b65722e70696e67657b2273657122"
     "3a20312c2022726f757465223a202266616b65726f7574213934346431316362213462626362"
     "353336216132396263303365222c2022757365726964223a20313030312c2022726f6c656d61"
     "736b223a20352c202272616e6b223a20307d00148e01020b000003e900000005000000000000"
     "0006",
     FLUX_MSGTYPE_RESPONSE, 0x0b, 1001u, 5, 0u, 6u, "broker.ping", 1, "fakeroute",
     "fakeroute", 101},
    {"1200eeff0000013e000d6a6f622d6c6973742e6c697374ff000001157b226d61785f656e7472"
     "696573223a20313030312c20226174747273223a205b22646570656e64656e63696573222c20"
     "227374617465222c2022757365726964222c2022745f636c65616e7570222c20226475726174"
     "696f6e222c20226e6e6f646573222c20226e616d65222c2022616e6e6f746174696f6e73222c"
     "20226e7461736b73222c20227175657565222c2022757267656e6379222c2022726573756c74"
     "222c20226e6f64656c697374222c2022745f72756e222c20227072696f72697479225d2c2022"
     "73696e6365223a20302e302c2022636f6e73747261696e74223a207b22616e64223a205b7b22"
     "757365726964223a205b313030315d7d2c207b22737461746573223a205b3132365d7d5d7d7d"
     "00148e01014bffffffff00000000ffffffff00000001",
     FLUX_MSGTYPE_REQUEST, 0x4b, 4294967295u, 0, 4294967295u, 1u, "job-list.list", 0,
     NULL, NULL, 277},
    {"1200eeff000004ff00116a6f622d696e676573742e7375626d6974ff000004d27b224a223a22"
     "646d567963326c76626742704d5142316332567961575141615445774d4445416257566a6147"
     "467561584e7441484e756232356c41413d3d2e65794a795a584e7664584a6a5a584d694f6942"
     "6265794a306558426c496a6f67496e4e73623351694c43416959323931626e51694f6941784c"
     "43416964326c306143493649467437496e5235634755694f694169593239795a53497349434a"
     "6a62335675644349364944463958537767496d7868596d5673496a6f67496e52686332736966"
     "56307349434a3059584e726379493649467437496d4e7662573168626d51694f694262496e52"
     "796457556958537767496e4e73623351694f6941696447467a6179497349434a6a6233567564"
     "434936494873696347567958334e73623351694f694178665831644c43416959585230636d6c"
     "696458526c637949364948736963336c7a64475674496a6f6765794a6b64584a6864476c7662"
     "6949364944417349434a6c626e5a70636d397562575675644349364948736955454655534349"
     "364943497664584e794c327876593246734c325a7364586776596d6c754f6939316333497659"
     "6d6c754f693969615734694c4341695345394e525349364943497649697767496b5a4d565668"
     "6656564a4a496a6f67496d7876593246734f6938764c334a316269396d624856344c58677663"
     "43497349434a4d5655466655454655534349364943497664584e794c327876593246734c325a"
     "736458677663326868636d5576624856684c7a55754d79382f4c6d7831595473374f79497349"
     "434a47544656595830565952554e6655454655534349364943497664584e794c327876593246"
     "734c325a736458677662476c695a58686c5979396d624856344c324e745a43497349434a4d56"
     "55466651314242564567694f6941694c33567a6369397362324e686243396d624856344c3278"
     "7059693973645745764e53347a4c7a3875633238374f7a73694c434169526b78565746394454"
     "30354f52554e5554314a6655454655534349364943497664584e794c327876593246734c325a"
     "736458677662476c694c325a736458677659323975626d566a644739796379497349434a4e51"
     "55355151565249496a6f6749693931633349766247396a595777765a6d78316543397a614746"
     "795a5339745957343649697767496b5a4d56566866545539455655784658314242564567694f"
     "6941694c33567a6369397362324e686243396d624856344c3278705969396d624856344c3231"
     "765a4856735a584d694c43416954454e665131525a554555694f69416951793556564559744f"
     "434a394c4341695933646b496a6f67496938694c4341696332686c624777694f694237496d39"
     "7764476c76626e4d694f694237496e4a7361573170644349364948736959334231496a6f674c"
     "54457349434a6d63326c365a534936494330784c4341695a47463059534936494330784c4341"
     "6963335268593273694f6941344d7a67344e6a41344c434169593239795a5349364944417349"
     "434a7562325a70624755694f6941784d4449304c43416959584d694f6941744d537767496e4a"
     "7a63794936494330784c434169626e427962324d694f6941304d446b32665831396658307349"
     "434a325a584a7a61573975496a6f674d58303d2e6e6f6e65222c22757267656e6379223a3136"
     "2c22666c616773223a307d00148e01010bffffffff00000000ffffffff00000001",
     FLUX_MSGTYPE_REQUEST, 0x0b, 4294967295u, 0, 4294967295u, 1u, "job-ingest.submit", 0,
     NULL, NULL, 1234},
};

static size_t unhex(const char *hex, char *out)
{
    size_t n = 0;

    for (; *hex; hex += 2) {
        char byte[3] = {hex[0], hex[1], 0};

        out[n++] = strtol(byte, NULL, 16);
    }
    return n;
}

static void check_fields(const flux_msg_t *msg, const struct fixture *f)
{
    ck_assert_int_eq(msg->type, f->type);
    ck_assert_int_eq(msg->flags, f->flags);
    ck_assert_uint_eq(msg->userid, f->userid);
    ck_assert_uint_eq(msg->rolemask, f->rolemask);
    ck_assert_uint_eq(msg->aux1, f->aux1);
    ck_assert_uint_eq(msg->aux2, f->aux2);
    ck_assert_str_eq(msg->topic, f->topic);
    ck_assert_int_eq(msg->nroutes, f->nroutes);
    if (f->nroutes) {
        ck_assert_str_eq(flux_msg_route_first(msg), f->first);
        ck_assert_str_eq(flux_msg_route_last(msg), f->last);
    }
    ck_assert_uint_eq(msg->payload_len, f->payload_size);
}

START_TEST(recorded_frames_decode_and_encode_to_the_same_bytes)
{
    for (size_t i = 0; i < ARRAY_SIZE(fixtures); i++) {
        char in[4096];
        size_t len = unhex(fixtures[i].hex, in);
        struct buf out = {0};
        flux_msg_t *msg;

        ck_assert_int_eq(frame_decode(in, len, FRAME_MAX_GUEST, &msg, NULL), len);
        check_fields(msg, &fixtures[i]);
        ck_assert_int_eq(frame_encode(msg, &out), 0);
        ck_assert_uint_eq(frame_size(msg), len);
        ck_assert_uint_eq(out.len, len);
        ck_assert_mem_eq(out.data, in, len);
        buf_free(&out);
        flux_msg_destroy(msg);
    }
}
END_TEST

START_TEST(a_frame_may_come_byte_by_byte)
{
    for (size_t i = 0; i < ARRAY_SIZE(fixtures); i++) {
        char in[4096];
        size_t len = unhex(fixtures[i].hex, in);
        flux_msg_t *msg;

        for (size_t n = 0; n < len; n++) {
            size_t need = 0;

            ck_assert_int_eq(frame_decode(in, n, FRAME_MAX_GUEST, &msg, &need), 0);
            ck_assert_uint_eq(need, n < 8 ? 8 : len);
        }
    }
}
END_TEST

START_TEST(one_of_two_frames_is_taken)
{
    char in[8192];
    size_t len = unhex(fixtures[0].hex, in);
    size_t more = unhex(fixtures[1].hex, in + len);
    flux_msg_t *msg;

    ck_assert_int_eq(frame_decode(in, len + more, FRAME_MAX_GUEST, &msg, NULL), len);
    check_fields(msg, &fixtures[0]);
    flux_msg_destroy(msg);
}
END_TEST

/* Frames sent to a Flux broker on purpose, and what it made of them. */
static const struct {
    const char *hex;
    ssize_t rc; /* 0: all of it is taken */
    const char *topic;
} odd[] = {
    /* a NUL at the end of the topic */
    {"1200eeff0000002e000c62726f6b65722e70696e67000a7b22736571223a317d00148e01010bffffff"
     "ff00000000ffffffff00000001",
     0, "broker.ping"},
    /* the long form of a short size */
    {"1200eeff0000002600ff0000000b62726f6b65722e70696e67148e010109ffffffff00000000ffffff"
     "ff00000001",
     0, "broker.ping"},
    /* a part too many */
    {"1200eeff00000033000b62726f6b65722e70696e670a7b22736571223a317d00056578747261148e01"
     "010bffffffff00000000ffffffff00000001",
     0, "broker.ping"},
    /* frame magic in the order of the RFC, header magic, type, version */
    {"ffee001200000022000b62726f6b65722e70696e67148e010109ffffffff00000000ffffffff0000"
     "0001",
     -EPROTO, NULL},
    {"1200eeff00000022000b62726f6b65722e70696e67148d010109ffffffff00000000ffffffff0000"
     "0001",
     -EPROTO, NULL},
    {"1200eeff00000022000b62726f6b65722e70696e67148e010309ffffffff00000000ffffffff0000"
     "0001",
     -EPROTO, NULL},
    {"1200eeff00000022000b62726f6b65722e70696e67148e020109ffffffff00000000ffffffff0000"
     "0001",
     -EPROTO, NULL},
    /* a size that counts its own eight bytes: the next frame's start is taken for ours */
    {"1200eeff0000002a000b62726f6b65722e70696e67148e010109ffffffff00000000ffffffff000000"
     "011200eeff0000002d",
     -EPROTO, NULL},
    /* the route flag without the empty part behind the routes */
    {"1200eeff00000015148e010108ffffffff00000000ffffffff00000001", -EPROTO, NULL},
    /* flags that promise a payload */
    {"1200eeff00000015148e010102ffffffff00000000ffffffff00000001", -EPROTO, NULL},
    /* nothing at all */
    {"1200eeff00000000", -EPROTO, NULL},
};

START_TEST(odd_frames_are_accepted_or_refused_as_flux_does)
{
    for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
        char in[512];
        ssize_t len = unhex(odd[i].hex, in);
        flux_msg_t *msg = NULL;
        ssize_t rc = frame_decode(in, len, FRAME_MAX_GUEST, &msg, NULL);

        ck_assert_msg(rc == (odd[i].rc ? odd[i].rc : len), "frame %zu: %zd", i, rc);
        if (odd[i].topic)
            ck_assert_str_eq(msg->topic, odd[i].topic);
        flux_msg_destroy(msg);
    }
}
END_TEST

START_TEST(a_frame_of_4_gib_is_refused_by_its_size)
{
    static const char in[8] = "\x12\x00\xee\xff\xff\xff\xff\xff";
    static const char small[8] = "\x12\x00\xee\xff\x00\x40\x00\x01";
    flux_msg_t *msg;
    size_t need;

    ck_assert_int_eq(frame_decode(in, 8, FRAME_MAX_OWNER, &msg, &need), -EMSGSIZE);
    ck_assert_int_eq(frame_decode(small, 8, FRAME_MAX_GUEST, &msg, &need), -EMSGSIZE);
    ck_assert_int_eq(frame_decode(small, 8, FRAME_MAX_OWNER, &msg, &need), 0);
    ck_assert_uint_eq(need, 8 + (4u << 20) + 1);
}
END_TEST

START_TEST(a_wrong_first_byte_is_told_at_once)
{
    flux_msg_t *msg;

    ck_assert_int_eq(frame_decode("G", 1, FRAME_MAX_GUEST, &msg, NULL), -EPROTO);
    ck_assert_int_eq(frame_decode("\x12\x00\xef", 3, FRAME_MAX_GUEST, &msg, NULL),
                     -EPROTO);
}
END_TEST

START_TEST(no_cut_or_flipped_frame_reads_out_of_bounds)
{
    for (size_t i = 0; i < ARRAY_SIZE(fixtures); i++) {
        char in[4096], *copy;
        size_t len = unhex(fixtures[i].hex, in);
        flux_msg_t *msg;

        for (size_t k = 8; k < len; k++) {
            copy = malloc(len);
            memcpy(copy, in, len);
            copy[k] ^= 0xff;
            msg = NULL;
            frame_decode(copy, len, FRAME_MAX_GUEST, &msg, NULL);
            flux_msg_destroy(msg);
            free(copy);
        }
    }
}
END_TEST

SUITE_MAIN("proto/frame", recorded_frames_decode_and_encode_to_the_same_bytes,
           a_frame_may_come_byte_by_byte, one_of_two_frames_is_taken,
           odd_frames_are_accepted_or_refused_as_flux_does,
           a_frame_of_4_gib_is_refused_by_its_size, a_wrong_first_byte_is_told_at_once,
           no_cut_or_flipped_frame_reads_out_of_bounds)
