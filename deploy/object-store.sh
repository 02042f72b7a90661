#!/bin/sh
# Starts SeaweedFS and makes the two buckets once it answers. `weed shell` ends with 0 whatever
# happened, so the list is read back. Master, filer and volume server ask nobody for a password:
# they listen on the loopback address only.
set -eu
buckets="betang-registry betang-distribution"

make_buckets() {
  for bucket in $buckets; do
    until echo "s3.bucket.list" | weed shell -master=127.0.0.1:9333 2>/dev/null | grep -q "$bucket"
    do
      sleep 2
      echo "s3.bucket.create -name $bucket" | weed shell -master=127.0.0.1:9333 >/dev/null 2>&1
    done
  done
}

make_buckets &
exec weed server -dir=/data -ip=127.0.0.1 -ip.bind=127.0.0.1 -master.volumeSizeLimitMB=1024 \
  -volume.max=0 -s3 -s3.ip.bind=0.0.0.0 -s3.port=8333 -s3.config=/run/betang/s3.json
