#!/bin/sh
# Starts SeaweedFS as one server with three S3 identities: who makes buckets, lakeFS, and Dagster's logs.
# Only the S3 port is reachable from other containers: master, volume and filer ask nobody for a key.
set -eu
umask 077

for name in OBJECT_STORE_ADMIN OBJECT_STORE_LAKE OBJECT_STORE_LOGS; do
    for part in ACCESS_KEY_ID SECRET_ACCESS_KEY; do
        eval "value=\${${name}_${part}:-}"
        case ${value} in
            '' | *[!A-Za-z0-9]*)
                echo "object-store: ${name}_${part}: expected letters and digits" >&2
                exit 64
                ;;
        esac
    done
done

config=${OBJECT_STORE_CONFIG:-/tmp/s3.json}
cat > "${config}" <<END
{"identities": [
  {"name": "admin",
   "credentials": [{"accessKey": "${OBJECT_STORE_ADMIN_ACCESS_KEY_ID}", "secretKey": "${OBJECT_STORE_ADMIN_SECRET_ACCESS_KEY}"}],
   "actions": ["Admin"]},
  {"name": "lake",
   "credentials": [{"accessKey": "${OBJECT_STORE_LAKE_ACCESS_KEY_ID}", "secretKey": "${OBJECT_STORE_LAKE_SECRET_ACCESS_KEY}"}],
   "actions": ["Read:${LAKE_BUCKET}", "Write:${LAKE_BUCKET}", "List:${LAKE_BUCKET}", "Tagging:${LAKE_BUCKET}"]},
  {"name": "logs",
   "credentials": [{"accessKey": "${OBJECT_STORE_LOGS_ACCESS_KEY_ID}", "secretKey": "${OBJECT_STORE_LOGS_SECRET_ACCESS_KEY}"}],
   "actions": ["Read:${LOGS_BUCKET}", "Write:${LOGS_BUCKET}", "List:${LOGS_BUCKET}"]}
]}
END

# Later options win: what is given to this script can override each of these.
exec weed -logtostderr=true server \
    -dir=/data \
    -ip=127.0.0.1 -ip.bind=127.0.0.1 \
    -master.telemetry=false -master.volumeSizeLimitMB=1024 -volume.max=0 \
    -filer -s3 -s3.ip.bind=0.0.0.0 -s3.port=8333 -s3.config="${config}" \
    -s3.iam=false -s3.autoCreateBucket=false -s3.port.iceberg=0 -s3.port.lance=0 \
    "$@"
