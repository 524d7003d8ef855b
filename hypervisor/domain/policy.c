#include "hypercall/hypercall.h"

#include "domain/domain.h"

/* dom0 acts for the toolstack; everybody else on itself alone. */
bool policy_is_privileged(const struct domain *d)
{
    return d->privileged;
}
