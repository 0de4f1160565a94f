/* The commands that the `flux` program holds; one file each. */
#ifndef FLUX_CMD_CMDS_H
#define FLUX_CMD_CMDS_H

#include "cli/cli.h"

extern const struct cli_command cmd_cancel, cmd_capacitor, cmd_config, cmd_content,
    cmd_dmesg, cmd_dump, cmd_env, cmd_event, cmd_exec, cmd_fsck, cmd_gc, cmd_getattr,
    cmd_help, cmd_job, cmd_jobs, cmd_keygen, cmd_kvs, cmd_logger, cmd_lsattr, cmd_module,
    cmd_overlay, cmd_ping, cmd_pmi, cmd_proxy, cmd_pstree, cmd_python, cmd_queue,
    cmd_relay, cmd_resource, cmd_restore, cmd_run, cmd_setattr, cmd_shutdown, cmd_start,
    cmd_submit, cmd_uptime, cmd_uri, cmd_version, cmd_broker;

/* All of them, by name; NULL-terminated. */
extern const struct cli_command *const cmd_table[];

/* The folder of the running executable, for finding flux-broker and its like. */
const char *cmd_bindir(void);
/* Run `name` of that folder in place of this program, with the arguments of a raw command.
 * Returns when that fails, which it has told, with the exit code. */
int cmd_become(struct cli *c, const char *name);

#endif
