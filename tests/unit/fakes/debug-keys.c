/* A key pressed is a key pressed. */
#include "domain/debug-keys.h"

void debug_key(char key)
{
    (void)key;
}
