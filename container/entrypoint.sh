#!/bin/sh
# What is written inside belongs to this chat alone.
umask 077
exec node /app/main.mjs
