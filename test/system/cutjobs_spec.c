/* What the client of cutjobs.c submits: by number, so that it can be compared later. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cutjobs.h"

cJSON *cutrun_env(long k)
{
    cJSON *env = cJSON_CreateObject();
    char pad[600];

    /* Many jobs share one, some have one of their own. */
    if (k % 5)
        k %= 3;
    memset(pad, 'a' + (int)(k % 26), sizeof(pad));
    pad[100 + k * 37 % 500] = '\0';
    cJSON_AddStringToObject(env, "HOME", "/");
    cJSON_AddNumberToObject(env, "NUMBER", 0);
    cJSON_ReplaceItemInObject(env, "NUMBER", cJSON_CreateString(k % 2 ? "odd" : "even"));
    cJSON_AddStringToObject(env, "PAD", pad);
    return env;
}

cJSON *cutrun_jobspec(long k)
{
    char text[1200], pad[400];
    cJSON *spec = NULL;
    size_t len = (size_t)(k * 131 % 399);

    for (size_t i = 0; i < len; i++)
        pad[i] = 'a' + (char)((size_t)k * 7 % 26 + i * i) % 26;
    for (size_t i = 0; i < len; i++)
        if (pad[i] < 'a' || pad[i] > 'z')
            pad[i] = 'z';
    pad[len] = '\0';
    snprintf(
        text, sizeof(text),
        "{\"version\":1,\"resources\":[{\"type\":\"slot\",\"count\":1,\"label\":"
        "\"task\",\"with\":[{\"type\":\"core\",\"count\":1}]}],\"tasks\":[{"
        "\"command\":[\"true\",\"%s\"],\"slot\":\"task\",\"count\":{\"per_slot\":1}}"
        "],\"attributes\":{\"system\":{\"duration\":0,\"job\":{\"name\":\"n%ld\"}}}}",
        pad, k);
    if (json_parse(text, strlen(text), NULL, &spec, NULL) < 0)
        abort();
    return spec;
}
