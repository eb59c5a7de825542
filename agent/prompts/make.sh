#!/usr/bin/env bash
# Makes NAME.ulaw (raw 8 kHz mono µ-law) for each line of prompts.txt. Needs: apt-get install espeak-ng sox
# Speech (pauses left out) is levelled to -20 dBFS RMS, peaks stay below -3 dBFS; 20 ms fades; sound begins at once and
# ends in 200 ms of silence, so that prompts said one after the other breathe.
set -euo pipefail
cd "$(dirname "$0")"

for tool in espeak-ng sox; do
    command -v "$tool" >/dev/null || { echo "make.sh: $tool is missing; apt-get install espeak-ng sox" >&2; exit 1; }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The RMS level of a file in dBFS, over what is speech: pauses are cut out first.
speech_db() { sox "$1" -n silence 1 0.01 -40d -1 0.03 -40d stats 2>&1 | awk '/^RMS lev dB/ { print $4 }'; }

while IFS='|' read -r name text; do
    [[ -z $name || $name == \#* ]] && continue
    espeak-ng -v en-us -s 160 -w "$work/spoken.wav" -- "$text"
    # -R: the same dither every time, so that unchanged words give unchanged files. The two filters are the telephone's
    # band; compand evens vowels and consonants, so that the level fits under the peaks.
    sox -R "$work/spoken.wav" -r 8000 -c 1 -b 16 -e signed "$work/band.wav" \
        gain -6 highpass 150 lowpass 3500 \
        silence 1 0.002 -50d reverse silence 1 0.002 -50d reverse \
        compand 0.002,0.08 6:-60,-60,-45,-30,-20,-14,0,-9 0 -30 0.002
    up=$(awk -v db="$(speech_db "$work/band.wav")" 'BEGIN { print -20 - db + 1.4 }')
    # The limiter of gain -l holds peaks near -2.6 dBFS; the second gain lowers them below -3 dBFS.
    sox -R "$work/band.wav" -e mu-law -t raw "$name.ulaw" gain -l "$up" gain -0.6 fade t 0.02 0 0.02 pad 0 0.2
done <prompts.txt
