#include "console/internal.h"

#include "boot/boot.h"
#include "cpu/cpu.h"
#include "domain/debug-keys.h"
#include "evtchn/evtchn.h"

static bool use_serial, use_vga, forced;
static struct spinlock output_lock = SPINLOCK_INIT;

/* What was typed, until dom0 reads it. */
static char input[256];
static unsigned input_head, input_tail; /* free running */
static bool input_open;
static struct spinlock input_lock = SPINLOCK_INIT;

void console_lock(struct spinlock *l)
{
    if (!READ_ONCE(forced))
        spin_lock(l);
}

void console_unlock(struct spinlock *l)
{
    if (!READ_ONCE(forced))
        spin_unlock(l);
}

void console_init_early(void)
{
    use_serial = serial_init(0, "");
}

uint16_t console_serial_port(void)
{
    return use_serial ? serial_port() : 0;
}

/* Is `name` one of the comma-separated words of `list`? */
static bool listed(const char *list, const char *name)
{
    size_t n = strlen(name);

    for (; list; list = strchr(list, ',')) {
        list += *list == ',';
        if (!strncmp(list, name, n) && (list[n] == ',' || !list[n]))
            return true;
    }
    return false;
}

/* What was said before there was a screen. */
static void replay_on_screen(void)
{
    char part[256];
    uint32_t index = 0;
    size_t n;

    while ((n = log_read(part, sizeof(part), &index, false)))
        vga_write(part, n);
}

void console_init(void)
{
    const char *where = boot_options.console;

    if (!*where)
        where = "com1,vga";
    if (listed(where, "com1"))
        use_serial = serial_init(0, boot_options.com1);
    else if (listed(where, "com2"))
        use_serial = serial_init(1, boot_options.com2);
    else
        use_serial = false;

    /* Without any other, the screen is better than silence. */
    use_vga = listed(where, "vga") || (!use_serial && !listed(where, "none"));
    vga_init();
    if (use_vga)
        replay_on_screen();
    log_set_levels(boot_options.loglvl, boot_options.guest_loglvl);
}

void console_screen(bool on)
{
    if (on)
        vga_resume();
    else
        vga_suspend();
}

void console_init_irq(void)
{
    console_give_input();
    if (use_serial)
        serial_init_input();
}

/* From now on the screen is dom0's, unless vga=keep. */
void console_give_input(void)
{
    input_open = true;
    use_vga = use_vga && boot_options.vga_keep;
}

void console_write(const char *s, size_t n)
{
    console_lock(&output_lock);
    if (use_serial)
        serial_write(s, n);
    if (use_vga)
        vga_write(s, n);
    console_unlock(&output_lock);
}

void console_force(void)
{
    WRITE_ONCE(forced, true);
    if (!listed(boot_options.console, "none"))
        use_vga = true;
    vga_init(); /* a bad option is found before console_init() */
}

#define CTRL_A 1

/* Three times Ctrl-A changes whose the keyboard is: dom0's, or ours. */
static bool is_ours(char c)
{
    static unsigned times;
    static bool ours;

    times = c == CTRL_A ? times + 1 : 0;
    if (times == 3) {
        times = 0;
        ours = !ours;
        log_info("console: keys go to %s\n", ours ? "the hypervisor" : "dom0");
        return true;
    }
    if (ours && c != CTRL_A)
        debug_key_later(c);
    return ours;
}

void console_input(char c)
{
    if (is_ours(c))
        return;
    spin_lock(&input_lock);
    if (input_open && input_head - input_tail < sizeof(input))
        input[input_head++ % sizeof(input)] = c;
    spin_unlock(&input_lock);
}

void console_input_done(void)
{
    if (input_open)
        virq_raise_global(VIRQ_CONSOLE);
}

size_t console_read(char *buf, size_t n)
{
    size_t done = 0;

    spin_lock(&input_lock);
    while (done < n && input_tail != input_head)
        buf[done++] = input[input_tail++ % sizeof(input)];
    spin_unlock(&input_lock);
    return done;
}
