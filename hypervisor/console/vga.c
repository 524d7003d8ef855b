#include "console/internal.h"

#include "boot/boot.h"
#include "mm/hvmap.h"

#define TEXT_SCREEN 0xb8000
#define LIGHT_GREY  0x0700
#define CELL_WIDTH  6 /* of a glyph with its gap */
#define CELL_HEIGHT 8

/*
 * One of the two is set while there is a screen. Output does not scroll: at
 * the bottom it goes on at the top, with a blank line ahead of it, because
 * reading a frame buffer back is slow.
 */
static volatile uint16_t *text;
static volatile uint8_t *pixels;
static unsigned columns, rows, x, y, scale;

static bool has_frame_buffer(void)
{
    return boot_info.fb.type == 1 && boot_info.fb.base &&
           boot_info.fb.bpp >= 15 && boot_info.fb.bpp <= 32 &&
           boot_info.fb.width >= 320 && boot_info.fb.height >= 200 &&
           boot_info.fb.width <= 16384 && boot_info.fb.height <= 16384 &&
           boot_info.fb.pitch >=
               boot_info.fb.width * ((boot_info.fb.bpp + 7u) / 8);
}

static size_t fb_size(void)
{
    return (size_t)boot_info.fb.pitch * boot_info.fb.height;
}

static uint32_t white(void)
{
    return ((1u << boot_info.fb.rsize) - 1) << boot_info.fb.rpos |
           ((1u << boot_info.fb.gsize) - 1) << boot_info.fb.gpos |
           ((1u << boot_info.fb.bsize) - 1) << boot_info.fb.bpos;
}

static void put_pixel(unsigned px, unsigned py, uint32_t colour)
{
    unsigned bytes = (boot_info.fb.bpp + 7u) / 8;
    volatile uint8_t *at =
        pixels + (size_t)py * boot_info.fb.pitch + (size_t)px * bytes;

    if (bytes == 4) {
        *(volatile uint32_t *)at = colour;
        return;
    }
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(colour >> 8 * i);
}

static void draw(unsigned column, unsigned row, char c)
{
    const uint8_t *glyph;
    uint32_t ink = white();

    if (c < FONT_FIRST || c > FONT_LAST)
        c = '?';
    glyph = font[c - FONT_FIRST];
    for (unsigned py = 0; py < CELL_HEIGHT * scale; py++)
        for (unsigned px = 0; px < CELL_WIDTH * scale; px++) {
            unsigned dot_x = px / scale, dot_y = py / scale;
            bool on = dot_x < 5 && glyph[dot_x] >> dot_y & 1;

            put_pixel(column * CELL_WIDTH * scale + px,
                      row * CELL_HEIGHT * scale + py, on ? ink : 0);
        }
}

static void put_at(unsigned column, unsigned row, char c)
{
    if (text)
        text[row * columns + column] = (uint16_t)(LIGHT_GREY | (uint8_t)c);
    else
        draw(column, row, c);
}

static void blank_line(unsigned row)
{
    for (unsigned i = 0; i < columns; i++)
        put_at(i, row, ' ');
}

static void next_line(void)
{
    x = 0;
    y = (y + 1) % rows;
    blank_line(y);
    blank_line((y + 1) % rows);
}

static void put_char(char c)
{
    if (c == '\n') {
        next_line();
    } else if (c == '\r') {
        x = 0;
    } else if (c == '\t') {
        x = MIN(ROUND_UP(x + 1, 8u), columns - 1);
    } else if (c == '\b') {
        x -= x > 0;
    } else if ((uint8_t)c >= ' ') {
        if (x == columns)
            next_line();
        put_at(x++, y, c);
    }
}

void vga_write(const char *s, size_t n)
{
    if (!text && !pixels)
        return;
    while (n--)
        put_char(*s++);
}

void vga_init(void)
{
    static bool done;

    if (done)
        return;
    done = true;
    if (has_frame_buffer()) {
        scale = boot_info.fb.width >= 960 ? 2 : 1;
        columns = boot_info.fb.width / (CELL_WIDTH * scale);
        rows = boot_info.fb.height / (CELL_HEIGHT * scale);
        /* The first tables reach this far. */
        if (boot_info.fb.base + fb_size() <= 1ull << 32)
            pixels = phys_to_virt(boot_info.fb.base);
    } else if (boot_info.fb.type == 2 || !boot_info.efi_systab) {
        columns = 80;
        rows = 25;
        text = phys_to_virt(TEXT_SCREEN);
    }
}

void vga_suspend(void)
{
    pixels = NULL;
}

void vga_resume(void)
{
    if (has_frame_buffer())
        pixels = ioremap_wc(boot_info.fb.base, fb_size());
}

static void fill_lfb(struct dom0_vga_console_info *info)
{
    info->video_type =
        boot_info.efi_systab ? XEN_VGATYPE_EFI_LFB : XEN_VGATYPE_VESA_LFB;
    info->u.vesa_lfb.width = (uint16_t)boot_info.fb.width;
    info->u.vesa_lfb.height = (uint16_t)boot_info.fb.height;
    info->u.vesa_lfb.bytes_per_line = (uint16_t)boot_info.fb.pitch;
    info->u.vesa_lfb.bits_per_pixel = boot_info.fb.bpp;
    info->u.vesa_lfb.lfb_base = (uint32_t)boot_info.fb.base;
    info->u.vesa_lfb.ext_lfb_base = (uint32_t)(boot_info.fb.base >> 32);
    info->u.vesa_lfb.lfb_size = (uint32_t)((fb_size() + 0xffff) >> 16);
    info->u.vesa_lfb.red_pos = boot_info.fb.rpos;
    info->u.vesa_lfb.red_size = boot_info.fb.rsize;
    info->u.vesa_lfb.green_pos = boot_info.fb.gpos;
    info->u.vesa_lfb.green_size = boot_info.fb.gsize;
    info->u.vesa_lfb.blue_pos = boot_info.fb.bpos;
    info->u.vesa_lfb.blue_size = boot_info.fb.bsize;
    if (boot_info.fb.bpp == 32) {
        info->u.vesa_lfb.rsvd_pos = 24;
        info->u.vesa_lfb.rsvd_size = 8;
    }
}

bool console_vga_info(struct dom0_vga_console_info *info)
{
    memset(info, 0, sizeof(*info));
    if (has_frame_buffer()) {
        fill_lfb(info);
        return true;
    }
    if (!text)
        return false;
    info->video_type = XEN_VGATYPE_TEXT_MODE_3;
    info->u.text_mode_3.font_height = 16;
    info->u.text_mode_3.cursor_x = (uint16_t)MIN(x, columns - 1);
    info->u.text_mode_3.cursor_y = (uint16_t)y;
    info->u.text_mode_3.rows = (uint16_t)rows;
    info->u.text_mode_3.columns = (uint16_t)columns;
    return true;
}
