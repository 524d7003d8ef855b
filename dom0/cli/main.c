/* pvn: the command line over pvnd. Each row is a verb, each verb a file. */
#include "dom0/cli/cli.h"

#include <stdio.h>
#include <string.h>

static const struct verb verbs[] = {
    {"create", "FILE [KEY=VALUE]...", "start a guest from a configuration file",
     "  -c, --console   attach to its console at once\n"
     "  -p, --paused    leave it paused\n"
     "  -q, --quiet     print nothing but warnings and errors\n"
     "      --json      print what was made as JSON\n"
     "KEY=VALUE is appended to the file's text. FILE may be - for standard "
     "input.\n",
     cmd_create},
    {"list", "[GUEST]...", "the guests, and domain 0",
     "  -n, --names     names only, one a line\n"
     "      --json      as JSON\n",
     cmd_list},
    {"info", "[GUEST]", "one guest in depth, or the host",
     "      --json      as JSON\n", cmd_info},
    {"console", "GUEST", "attach to a guest's console; Ctrl-] leaves it", "",
     cmd_console},
    {"run", "KERNEL [-- COMMAND [WORD]...]",
     "boot a kernel on this terminal; Ctrl-A x ends it",
     "  -i, --initrd FILE   its initial ramdisk\n"
     "  -r, --root DIR      a directory to make one of\n"
     "  -a, --append TEXT   more of the kernel's command line\n"
     "  -m, --memory SIZE   (256M, more for a large ramdisk)\n"
     "  -s, --smp N         vcpus (1)\n"
     "  -n, --name NAME     what it is called (run-PID)\n"
     "  -g, --gdb PORT      wait for gdb before the first instruction\n"
     "  -q, --quiet         have the kernel print errors only\n"
     "  -k, --keep          leave a guest that crashed for a look\n"
     "COMMAND runs in the ramdisk; pvn exits as it does, or with 125 when\n"
     "there was no way to tell.\n",
     cmd_run},
    {"stack", "GUEST", "where each vcpu of a guest is",
     "  -s, --symbols FILE   names from a System.map or an ELF kernel\n",
     cmd_stack},
    {"gdb", "GUEST", "let gdb look into a guest: target remote | pvn gdb GUEST",
     "  -p, --port PORT   listen there, on this machine only; or a serial "
     "line\n",
     cmd_gdb},
    {"dump", "GUEST FILE", "write a guest's memory to a file for crash(8)",
     "  -q, --quiet     print nothing but errors\n", cmd_dump},
    {"trace", "GUEST",
     "what a guest asks of the hypervisor, and is given, with times",
     "  -s, --seconds N      so long; else until Ctrl-C or the guest's end\n"
     "  -o, --output FILE    for Perfetto or chrome://tracing, not as text\n"
     "  -b, --buffer SIZE    for each processor (256K); settled by the first\n"
     "                       trace since the host started\n",
     cmd_trace},
    {"pause", "GUEST", "stop a guest where it is", "", cmd_pause},
    {"unpause", "GUEST", "let a paused guest go on", "", cmd_unpause},
    {"shutdown", "GUEST", "ask a guest to power off",
     "  -w, --wait          wait until it has\n"
     "  -t, --timeout SECS  at most so long (120)\n",
     cmd_shutdown},
    {"reboot", "GUEST", "ask a guest to start again",
     "  -w, --wait          wait until it has ended\n"
     "  -t, --timeout SECS  at most so long (120)\n",
     cmd_reboot},
    {"destroy", "GUEST", "end a guest at once, as pulling the plug does", "",
     cmd_destroy},
    {"vcpu-set", "GUEST VCPUS", "let a guest use so many of its vcpus", "",
     cmd_vcpu_set},
    {"mem-set", "GUEST SIZE", "have a guest use so much memory (512M, 2G)", "",
     cmd_mem_set},
    {"sched", "[GUEST]", "who gets how much of which processors",
     "  -w, --weight N   its share beside others' (256 is usual)\n"
     "  -c, --cap N      at most so many percent of one processor; 0: no cap\n"
     "      --cpus LIST  where its vcpus must run (\"0-3,^2\", \"all\")\n"
     "      --soft LIST  where they would rather run\n"
     "  -v, --vcpu N     --cpus and --soft are for this vcpu only\n"
     "      --json       as JSON\n"
     "Without an option that changes it, it is shown. A guest that starts "
     "again\n"
     "has what its configuration says.\n",
     cmd_sched},
    {"block-attach", "GUEST DISK",
     "add a disk, written as in the configuration",
     "      --json      print what was made as JSON\n", cmd_block_attach},
    {"block-detach", "GUEST VDEV", "take a disk away (xvdb)",
     "  -f, --force     even if the guest does not let go\n", cmd_block_detach},
    {"block-limit", "GUEST VDEV", "say how fast a disk may be (0: no limit)",
     "  -b, --bytes RATE[,BURST]     bytes per second (500K, 20M, 1G)\n"
     "  -r, --requests RATE[,BURST]  requests per second\n",
     cmd_block_limit},
    {"network-attach", "GUEST [KEY=VALUE[,KEY=VALUE]...]",
     "add a network card, written as in the configuration",
     "      --json      print what was made as JSON\n", cmd_network_attach},
    {"network-detach", "GUEST NUMBER|MAC", "take a network card away",
     "  -f, --force     even if the guest does not let go\n",
     cmd_network_detach},
    {"network-list", "", "the networks guests may be plugged into",
     "      --json      as JSON\n", cmd_network_list},
    {"dmesg", "", "the hypervisor's log",
     "  -c, --clear     and empty it\n"
     "      --json      as JSON\n",
     cmd_dmesg},
    {"debug-keys", "KEYS", "send debug keys to the hypervisor", "",
     cmd_debug_keys},
    {"top", "", "who uses the processors, live; q ends it",
     "  -d, --delay SECS   between two looks (2)\n"
     "  -n, --count N      so many looks, then end\n"
     "      --json         each look as one line of JSON\n",
     cmd_top},
    {"store", "quotas [NAME=VALUE] [GUEST]",
     "what each guest uses of the store, and its limits",
     "      --json      as JSON\n"
     "NAME=VALUE sets a quota first: of all guests, or of the one named.\n",
     cmd_store},
    {"version", "", "versions of pvn and pvnd", "      --json      as JSON\n",
     cmd_version},
};
#define NR_VERBS (sizeof(verbs) / sizeof(verbs[0]))

const struct verb *current_verb;

void verb_help(const struct verb *v)
{
    printf("Usage: pvn %s%s%s\n%c%s.\n", v->name, v->arguments[0] ? " " : "",
           v->arguments,
           v->summary[0] -
               ('a' <= v->summary[0] && v->summary[0] <= 'z' ? 32 : 0),
           v->summary + 1);
    if (v->help[0])
        printf("\n%s", v->help);
}

static void help(void)
{
    size_t i;

    puts("Usage: pvn VERB [options] [arguments]\n\n"
         "Looks after this host's guests. Verbs:\n");
    for (i = 0; i < NR_VERBS; i++)
        printf("  %-15s %s\n", verbs[i].name, verbs[i].summary);
    puts("\n\"pvn VERB --help\" says more; pvn(1) says everything.");
}

static const struct verb *find(const char *name)
{
    size_t i;

    for (i = 0; i < NR_VERBS; i++)
        if (!strcmp(verbs[i].name, name))
            return &verbs[i];
    return NULL;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "--help";

    json_object_seed(0);
    if (!strcmp(name, "help") && argc > 2 && find(argv[2])) {
        verb_help(find(argv[2]));
        return EXIT_OK;
    }
    if (!strcmp(name, "--help") || !strcmp(name, "-h") ||
        !strcmp(name, "help")) {
        help();
        return argc > 1 ? EXIT_OK : EXIT_USAGE;
    }
    if (!strcmp(name, "--version"))
        name = "version";
    current_verb = find(name);
    if (!current_verb) {
        say_error("there is no verb \"%s\"; pvn --help lists them", name);
        return EXIT_USAGE;
    }
    return current_verb->run(argc - 1, argv + 1);
}
