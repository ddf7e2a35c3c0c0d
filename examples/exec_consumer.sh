#!/bin/bash
# A consumer of weft's hub in a few lines of bash: appends hash and author of each commit to a file,
# a line each, with a tab between them.
#
#     hub:
#       consumers:
#         - { name: commit-list, exec: [./exec_consumer.sh, commits.txt], topics: [git.commit] }
#
# One message a line on stdin, one answer a line on stdout: ok, retry REASON or drop REASON;
# exec_consumer.py says more. After a crash a line may be there twice: unlike a database, a file
# does not notice. Needs jq.

file=${1:?usage: exec_consumer.sh FILE}
while IFS= read -r message; do
    # What the message says is data: it stands in no command's text, and @tsv escapes line breaks.
    if ! line=$(jq -er '.body | [.hash // error, .author] | @tsv' <<<"$message" 2>/dev/null); then
        echo "drop a commit has a hash"
    elif printf '%s\n' "$line" 2>/dev/null >>"$file"; then
        echo ok
    else
        echo "retry cannot write $file"
    fi
done
