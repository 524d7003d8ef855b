#include "fake.h"

unsigned fake_vcpu_wakes[MAX_VCPUS], fake_vcpu_kicks[MAX_VCPUS];

void vcpu_wake(struct vcpu *v)
{
    fake_vcpu_wakes[v->id]++;
}

void vcpu_kick(struct vcpu *v)
{
    fake_vcpu_kicks[v->id]++;
}
