/*
 * What the hypervisor tells about itself at the press of a key: from dom0 (xl
 * debug-keys), or on its own serial line after three times Ctrl-A.
 */
#ifndef DOMAIN_DEBUG_KEYS_H
#define DOMAIN_DEBUG_KEYS_H

/* Into the log. No lock is held. */
void debug_key(char key);
/* The same from an interrupt: soon. */
void debug_key_later(char key);

#endif
