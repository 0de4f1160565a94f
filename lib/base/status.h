/* Wait statuses of tasks, and how they make up the status of a job.
 */
#ifndef FLUX_BASE_STATUS_H
#define FLUX_BASE_STATUS_H

/* The wait status of a process that exited with `code`. */
int status_of_exit(int code);
/* What a command line shows for a wait status: the exit code, or 128 + signal. */
int status_code(int wstatus);
/* The one of the two with the higher code: a job ends as its worst task does. */
int status_worst(int a, int b);
/* The wait status of a task that never ran: 127 for a program that is not there,
 * 126 for one that cannot be executed. errnum: of the failed exec. */
int status_of_exec_error(int errnum);

#endif
