/* Numbers on the command line. */
#ifndef PARAVANE_RUNTIME_OPTION_H
#define PARAVANE_RUNTIME_OPTION_H

/* `text`, given to --`option`, as a number from `min` to `max`. 0, or -EINVAL
 * with a line that says what would do. */
int option_number(const char *option, const char *text, unsigned int min,
                  unsigned int max, unsigned int *nr);

#endif
