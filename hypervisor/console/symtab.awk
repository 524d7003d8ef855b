# `nm -n` output to the table that console/symbols.c searches: addresses as
# offsets from the image's start, ascending, and where each name begins.
$2 ~ /^[tT]$/ && $3 !~ /^\.L|_(start|end)$/ && $1 != last {
    name[n] = $3
    address[n++] = $1
    last = $1
}
END {
    print ".section .symtab.ours, \"a\", @progbits"
    print ".globl symtab_base, symtab_nr, symtab_address"
    print ".globl symtab_name, symtab_text"
    print ".hidden symtab_base, symtab_nr, symtab_address"
    print ".hidden symtab_name, symtab_text"
    print ".balign 8\nsymtab_base: .quad 0x" (n ? address[0] : "0")
    print "symtab_nr: .long " n + 0
    print "symtab_address:"
    for (i = 0; i < n; i++)
        print ".long 0x" address[i] " - 0x" address[0]
    print "symtab_name:"
    for (i = 0; i < n; i++)
        print ".long n" i " - symtab_text"
    print "symtab_text:"
    for (i = 0; i < n; i++)
        print "n" i ": .asciz \"" name[i] "\""
    print ".section .note.GNU-stack, \"\", @progbits"
}
