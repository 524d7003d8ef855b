/*
 * Read before every file of the hypervisor: there is one image and nothing
 * outside it, so even what is only declared is reached without a GOT.
 */
#ifndef __ASSEMBLY__
#pragma GCC visibility push(hidden)
#endif
