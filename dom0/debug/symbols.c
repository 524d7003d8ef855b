#include "dom0/debug/symbols.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 30, NAME_MAX_LEN = 512 };

struct symbol {
    uint64_t address;
    char *name;
    bool text;
};

struct symbols {
    struct symbol *list;
    size_t nr, room;
    uint64_t text_begin, text_end;
};

void symbols_free(struct symbols *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->nr; i++)
        free(s->list[i].name);
    free(s->list);
    free(s);
}

static int add(struct symbols *s, uint64_t address, bool text, const char *name,
               size_t len)
{
    struct symbol *more;

    if (s->nr == s->room) {
        s->room = s->room ? s->room * 2 : 4096;
        more = reallocarray(s->list, s->room, sizeof(*more));
        if (!more)
            return -ENOMEM;
        s->list = more;
    }
    s->list[s->nr].address = address;
    s->list[s->nr].text = text;
    s->list[s->nr].name = strndup(name, len);
    return s->list[s->nr].name ? (s->nr++, 0) : -ENOMEM;
}

static int compare(const void *a, const void *b)
{
    const struct symbol *x = a, *y = b;

    return x->address < y->address ? -1 : x->address > y->address;
}

/* From the kernel's own marks, else from the first code to the last. */
static void find_text(struct symbols *s)
{
    s->text_begin = symbols_address(s, "_stext");
    s->text_end = symbols_address(s, "_etext");
    if (s->text_begin && s->text_end)
        return;
    s->text_begin = UINT64_MAX;
    for (size_t i = 0; i < s->nr; i++) {
        if (!s->list[i].text)
            continue;
        if (s->text_begin == UINT64_MAX)
            s->text_begin = s->list[i].address;
        /* Up to where the next thing begins. */
        s->text_end =
            i + 1 < s->nr ? s->list[i + 1].address : s->list[i].address + 4096;
    }
}

static int finish(struct symbols **sp, struct symbols *s, int rc)
{
    if (!rc && !s->nr)
        rc = -EINVAL;
    if (rc) {
        symbols_free(s);
        return rc;
    }
    qsort(s->list, s->nr, sizeof(*s->list), compare);
    find_text(s);
    *sp = s;
    return 0;
}

/* --- System.map ------------------------------------------------------------*/

/* "ffffffff81000000 T _text", anything else is passed over. */
static int add_line(struct symbols *s, const char *line, size_t len)
{
    char text[NAME_MAX_LEN], type, name[NAME_MAX_LEN];
    unsigned long long address;

    /* The columns are fixed, which much other text is not. */
    if (len >= sizeof(text) || len < 20 || line[16] != ' ' || line[18] != ' ')
        return 0;
    memcpy(text, line, len);
    text[len] = 0;
    if (sscanf(text, "%llx %c %511s", &address, &type, name) != 3 ||
        strchr("aAuUw", type))
        return 0;
    return add(s, address, type == 't' || type == 'T', name, strlen(name));
}

int symbols_parse(struct symbols **sp, const char *text, size_t size)
{
    struct symbols *s = calloc(1, sizeof(*s));
    int rc = s ? 0 : -ENOMEM;

    while (!rc && size) {
        const char *end = memchr(text, '\n', size);
        size_t len = end ? (size_t)(end - text) : size;

        rc = add_line(s, text, len);
        len += end != NULL;
        text += len;
        size -= len;
    }
    return s ? finish(sp, s, rc) : rc;
}

/* --- ELF -------------------------------------------------------------------*/

/* `count` things of `size` at `at`, all inside the file. */
static bool inside(size_t file, uint64_t at, uint64_t count, uint64_t size)
{
    uint64_t bytes, end;

    return !__builtin_mul_overflow(count, size, &bytes) &&
           !__builtin_add_overflow(at, bytes, &end) && end <= file;
}

/* Does the section that a symbol is in hold code? */
static bool is_code(const char *file, const Elf64_Ehdr *head, unsigned int i)
{
    Elf64_Shdr section;

    if (i >= head->e_shnum)
        return false;
    memcpy(&section, file + head->e_shoff + i * sizeof(section),
           sizeof(section));
    return section.sh_flags & SHF_EXECINSTR;
}

static int add_table(struct symbols *s, const char *file, size_t size,
                     const Elf64_Ehdr *head, const Elf64_Shdr *table,
                     const Elf64_Shdr *strings)
{
    size_t nr = table->sh_size / sizeof(Elf64_Sym);
    int rc = 0;

    if (!inside(size, table->sh_offset, nr, sizeof(Elf64_Sym)) ||
        !inside(size, strings->sh_offset, strings->sh_size, 1))
        return -EINVAL;
    for (size_t i = 0; !rc && i < nr; i++) {
        const char *name;
        Elf64_Sym sym;
        size_t room;

        memcpy(&sym, file + table->sh_offset + i * sizeof(sym), sizeof(sym));
        if (sym.st_name >= strings->sh_size || !sym.st_value ||
            sym.st_shndx == SHN_ABS || sym.st_shndx == SHN_UNDEF ||
            ELF64_ST_TYPE(sym.st_info) > STT_FUNC)
            continue;
        name = file + strings->sh_offset + sym.st_name;
        room = strings->sh_size - sym.st_name;
        if (*name)
            rc = add(s, sym.st_value, is_code(file, head, sym.st_shndx), name,
                     strnlen(name, room));
    }
    return rc;
}

static int parse_elf(struct symbols **sp, const char *file, size_t size)
{
    struct symbols *s = calloc(1, sizeof(*s));
    Elf64_Shdr table, strings;
    Elf64_Ehdr head;
    int rc = s ? 0 : -ENOMEM;

    if (size < sizeof(head))
        rc = rc ? rc : -EINVAL;
    if (rc) {
        free(s);
        return rc;
    }
    memcpy(&head, file, sizeof(head));
    if (head.e_ident[EI_CLASS] != ELFCLASS64 ||
        head.e_shentsize != sizeof(Elf64_Shdr) ||
        !inside(size, head.e_shoff, head.e_shnum, sizeof(Elf64_Shdr)))
        rc = -EINVAL;
    for (unsigned int i = 0; !rc && i < head.e_shnum; i++) {
        memcpy(&table, file + head.e_shoff + i * sizeof(table), sizeof(table));
        if (table.sh_type != SHT_SYMTAB || table.sh_link >= head.e_shnum)
            continue;
        memcpy(&strings, file + head.e_shoff + table.sh_link * sizeof(table),
               sizeof(strings));
        rc = add_table(s, file, size, &head, &table, &strings);
    }
    return finish(sp, s, rc);
}

/* --- the file --------------------------------------------------------------*/

static char *read_all(const char *path, size_t *size)
{
    FILE *f = fopen(path, "re");
    char *data = NULL, *more;
    size_t room = 0;

    *size = 0;
    while (f && !feof(f) && !ferror(f) && *size < FILE_MAX) {
        if (*size == room) {
            room = room ? room * 2 : 1 << 20;
            more = realloc(data, room);
            if (!more)
                break;
            data = more;
        }
        *size += fread(data + *size, 1, room - *size, f);
    }
    if (!f || !feof(f)) {
        free(data);
        data = NULL;
        errno = errno ? errno : EFBIG;
    }
    if (f)
        fclose(f);
    return data;
}

static bool symbols_has_code(const struct symbols *s)
{
    for (size_t i = 0; i < s->nr; i++)
        if (s->list[i].text)
            return true;
    return false;
}

int symbols_load(struct symbols **s, const char *path, char *why, size_t size)
{
    size_t len;
    char *file;
    int rc;

    errno = 0;
    file = read_all(path, &len);
    if (!file) {
        rc = -errno;
        snprintf(why, size, "%s: %s", path, strerror(-rc));
        return rc;
    }
    if (len > 4 && !memcmp(file, ELFMAG, 4))
        rc = parse_elf(s, file, len);
    else
        rc = symbols_parse(s, file, len);
    free(file);
    if (!rc && !symbols_has_code(*s)) {
        symbols_free(*s);
        rc = -EINVAL;
        snprintf(why, size,
                 "%s: holds no code (Debian has the real System.map in the "
                 "kernel's -dbg package, in /usr/lib/debug/boot)",
                 path);
    } else if (rc)
        snprintf(why, size,
                 "%s: neither a System.map nor an ELF file with "
                 "symbols",
                 path);
    return rc;
}

/* --- asking ----------------------------------------------------------------*/

const char *symbols_name(const struct symbols *s, uint64_t address,
                         uint64_t *offset)
{
    size_t low = 0, high = s->nr;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (s->list[mid].address <= address)
            low = mid + 1;
        else
            high = mid;
    }
    if (!low)
        return NULL;
    *offset = address - s->list[low - 1].address;
    return s->list[low - 1].name;
}

uint64_t symbols_address(const struct symbols *s, const char *name)
{
    for (size_t i = 0; i < s->nr; i++)
        if (!strcmp(s->list[i].name, name))
            return s->list[i].address;
    return 0;
}

bool symbols_is_text(const struct symbols *s, uint64_t address)
{
    return address >= s->text_begin && address < s->text_end;
}

size_t symbols_count(const struct symbols *s)
{
    return s->nr;
}
