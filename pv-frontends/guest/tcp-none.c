/* In place of tcp-echo.c and tcp-bench.c where lwIP could not be fetched. */
#include "pv-frontends/guest/program.h"

static int say_so(void)
{
    return program_fail("built without lwIP, which `make lwip` fetches");
}

int run_tcp_echo(void)
{
    return say_so();
}

int run_tcp_bench(void)
{
    return say_so();
}
