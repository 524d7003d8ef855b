/* Nobody traces here. */
#include "domain/trace.h"

bool trace_on;

void trace_hypercall(uint32_t event, uint64_t op, const uint64_t *args)
{
    (void)event, (void)op, (void)args;
}

void trace_exception(uint64_t rip, unsigned vector, uint32_t error_code,
                     uint64_t cr2)
{
    (void)rip, (void)vector, (void)error_code, (void)cr2;
}

void trace_addresses(uint32_t event, uint64_t a, uint64_t b, uint64_t c,
                     unsigned nr)
{
    (void)event, (void)a, (void)b, (void)c, (void)nr;
}

void trace_event(const struct vcpu *v, uint32_t port)
{
    (void)v, (void)port;
}

void trace_vcpu(uint32_t event, const struct vcpu *v)
{
    (void)event, (void)v;
}

void trace_runstate(const struct vcpu *v, int from, int to)
{
    (void)v, (void)from, (void)to;
}

int trace_control(struct xen_sysctl *op)
{
    (void)op;
    return -ENOSYS;
}
