# The tiny guest (pv-frontends/guest) under pvn, for the cases tiny-*.
tiny_elf=/run/job/files/tiny.elf

# tiny_create NAME "program and options" [key=value...]
tiny_create()
{
    local name=$1 program=$2
    shift 2
    rm -f "$(tiny_log "$name")"
    guest_config "$name" kernel=$tiny_elf args="$program" memory=8 \
        on_poweroff='"preserve"' on_crash='"preserve"' "$@"
    pvn create -q "/run/$name.cfg" || fail "pvn create $name"
}
tiny_log() { echo "/var/log/paravane/console-$1.log"; }
tiny_wait() # name regex seconds
{
    pv_wait "$1" "$2|TINY (died|failed)|TINY [a-z-]* failed" "$3"
    pv_said "$1" "$2" || fail "$1: $(grep -aE 'died|failed' "$(tiny_log "$1")")"
}
tiny_end() { tiny_wait "$1" 'TINY [a-z-]* ok' "$2"; }
# tiny NAME "program and options" [key=value...]: to its good end
tiny() { tiny_create "$@" && tiny_end "$1" 60; }

# tiny_root DIR PROGRAM...: a root of a few programs and their libraries
tiny_root()
{
    local dir=$1 p l
    shift
    mkdir -p "$dir/bin" "$dir/dev" "$dir/lib64"
    for p; do
        p=$(command -v "$p")
        cp "$p" "$dir/bin/"
        for l in $(ldd "$p" | grep -o '/[^ ]*'); do
            mkdir -p "$dir${l%/*}"
            cp -L "$l" "$dir$l"
        done
    done
}

# Where lwIP's source could not be fetched, tiny.elf is built without TCP.
tiny_wants_tcp()
{
    ! grep -q 'built without lwIP' $tiny_elf || skip "the tiny guest is built without lwIP"
}
