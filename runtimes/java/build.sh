#!/bin/sh
# Compiles the function in /usr/code, with the libraries in its folder lib (jars,
# and folders with the source of one), and leaves the executable runtime there,
# which starts the server with it.
# ENTRYPOINT_NAME is the file of the class that is the function.
set -eu

if [ ! -f "/usr/code/${ENTRYPOINT_NAME:?is the name of the file of the class that is the function}" ]; then
    echo "build.sh: /usr/code/$ENTRYPOINT_NAME does not exist" >&2
    exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/code" "$work/code/lib"
cp -R /usr/local/src/classes "$work/code/classes"
if [ -d /usr/code/lib ]; then
    find /usr/code/lib -name '*.jar' -exec cp {} "$work/code/lib" \;
    for library in /usr/code/lib/*/; do
        [ -d "$library" ] || continue
        find "$library" -name '*.java' > "$work/sources"
        if [ -s "$work/sources" ]; then
            javac -encoding UTF-8 -cp "$work/code/lib/*" -d "$work/library" "@$work/sources"
            jar --create --file "$work/code/lib/$(basename "$library").jar" -C "$work/library" .
            rm -r "$work/library"
        fi
    done
fi
cd /usr/code
find . -name '*.java' ! -path './lib/*' > "$work/sources"
javac -encoding UTF-8 -sourcepath /usr/code -cp "$work/code/classes:$work/code/lib/*" -d "$work/code/classes" "@$work/sources"
find . -type f ! -name '*.java' ! -path './lib/*' > "$work/resources"
tar -cf - -T "$work/resources" | tar -xf - -C "$work/code/classes"

class=$(echo "${ENTRYPOINT_NAME%.java}" | tr / .)
cat > "$work/code/runtime" <<EOF
#!/bin/sh
exec java -XX:+UseSerialGC -Xms16m -XX:MaxRAMPercentage=75 -cp "/usr/code/classes:/usr/code/lib/*" runtime.Server $class
EOF
chmod 0755 "$work/code/runtime"
find /usr/code -mindepth 1 -delete
cp -R "$work/code/." /usr/code
