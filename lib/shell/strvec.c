/* Vectors of strings: see strvec.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shell/strvec.h"

void strvec_end(struct strvec *sv)
{
    buf_addc(&sv->text, '\0');
    sv->count++;
}

int strvec_take(struct strvec *sv, char ***ret)
{
    size_t head = (sv->count + 1) * sizeof(char *);
    char **v = sv->text.failed ? NULL : malloc(head + sv->text.len);
    if (v) {
        char *s = (char *)v + head;
        if (sv->text.len > 0)
            memcpy(s, sv->text.data, sv->text.len);
        for (size_t i = 0; i < sv->count; i++) {
            v[i] = s;
            s += strlen(s) + 1;
        }
        v[sv->count] = NULL;
        *ret = v;
    }
    buf_free(&sv->text);
    *sv = (struct strvec){0};
    return v ? 0 : -ENOMEM;
}
