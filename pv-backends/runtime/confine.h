/*
 * Which files a process may still open: what is left to one that has given up
 * its privileges is what everybody may, which is a lot (Linux's Landlock).
 */
#ifndef PARAVANE_RUNTIME_CONFINE_H
#define PARAVANE_RUNTIME_CONFINE_H

/*
 * From now on for this thread, and those that it starts: files below
 * `writable` may be read, written, made and removed; those below the folders
 * that programs and libraries need, read; no other opened. What is open stays.
 * Needs privilege_drop() before. 0, also where the kernel cannot do it, which
 * is said in the log; or -errno, said too.
 */
int confine_files(const char *writable);

#endif
