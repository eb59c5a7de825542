#!/bin/sh
# Makes the clips of this folder again from Debian's recordings, and prints where speech begins and ends in each.
# Needs: apt-get, dpkg-deb, cargo. Nothing is changed in the sound: the files are copied as they are.
# Usage: loadtest/clips/make.sh        (writes *.wav here; compare the printed table with clips.toml)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for language in en es fr it ru; do
    apt-get download "asterisk-core-sounds-$language-wav" >/dev/null
    dpkg-deb -x asterisk-core-sounds-"$language"-wav_*.deb unpacked
done
sounds=unpacked/usr/share/asterisk/sounds
copy() { # folder of the speaker, language, names…
    speaker=$1 language=$2
    shift 2
    for name in "$@"; do cp "$sounds/$speaker/$name.wav" "$here/$language-$name.wav"; done
}
copy en_US_f_Allison en im-sorry one-moment-please all-circuits-busy-now agent-loggedoff
copy es_MX_f_Allison es please-try-again agent-loggedoff
copy fr_CA_f_June fr one-moment-please goodbye
copy it_IT_m_Carlo it one-moment-please agent-loginok
copy ru_RU_f_IvrvoiceRU ru please-try-again activated
chmod 644 "$here"/*.wav
cd "$here/../.."
cargo run --quiet -p loadtest -- label "$here"/*.wav
