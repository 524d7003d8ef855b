/* Backends behind tests/unit/xs-fake.h that answer at once. */
#ifndef TESTS_UNIT_DOM0_FAKE_BACKENDS_H
#define TESTS_UNIT_DOM0_FAKE_BACKENDS_H

/* Look at every device directory: say connected to a new one, or hotplug-error
 * `why` unless that is NULL; and close those that are asked to. */
void fake_backends_run(const char *why);

#endif
