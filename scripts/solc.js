// The WebAssembly compiler of npm's `solc`, behind the command line of the native one.
//
// py-solc-x and Brownie call `solc --version` and `solc --standard-json --base-path ... --include-path ... --allow-paths ...`;
// npm's own `solcjs` knows too few of these, and prints a line before the JSON.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const solc = require("solc");

function fail(message) {
    process.stderr.write(`Error: ${message}\n`);
    process.exit(1);
}

/** Options as solc takes them: `--name value` or `--name=value`; a path option may be given more than once. */
function parse(words) {
    const options = { flags: new Set(), basePath: undefined, includePaths: [], allowPaths: [], file: undefined };
    for (let i = 0; i < words.length; i++) {
        const [name, inline] = words[i].startsWith("--") ? words[i].split(/=(.*)/s) : [words[i], undefined];
        const value = () => inline ?? words[++i] ?? fail(`${name} needs a value.`);
        if (name === "--base-path") options.basePath = value();
        else if (name === "--include-path") options.includePaths.push(value());
        else if (name === "--allow-paths") options.allowPaths.push(...value().split(",").filter(Boolean));
        else if (name === "--version" || name === "--standard-json") options.flags.add(name);
        else if (name === "-" || !name.startsWith("-")) options.file = name;
        else fail(`unrecognised option '${name}'`);
    }
    return options;
}

/** Whether `file` lies in `folder`, links resolved, as the native compiler asks before it reads an import. */
function inside(folder, file) {
    if (!fs.existsSync(folder)) return false;
    const way = path.relative(fs.realpathSync(folder), file);
    return way === "" || (!way.startsWith("..") && !path.isAbsolute(way));
}

/** Imports are looked for at the base path, then at the include paths, and read from allowed folders only. */
function reader(options) {
    const roots = [options.basePath ?? process.cwd(), ...options.includePaths];
    const allowed = [...roots, ...options.allowPaths];
    return (name) => {
        const found = roots.map((root) => path.resolve(root, name)).find((file) => fs.existsSync(file));
        if (found === undefined) return { error: `File not found: ${name}` };
        const file = fs.realpathSync(found);
        if (!allowed.some((folder) => inside(folder, file))) return { error: `File outside of allowed directories: ${name}` };
        return { contents: fs.readFileSync(file, "utf8") };
    };
}

/** A pipe takes a few kB at a time: whoever writes asynchronously and exits loses the rest. */
function writeAll(text) {
    const bytes = Buffer.from(text);
    for (let sent = 0; sent < bytes.length; ) {
        try {
            sent += fs.writeSync(1, bytes, sent);
        } catch (error) {
            if (error.code !== "EAGAIN") throw error;
            Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
        }
    }
}

const options = parse(process.argv.slice(2));
if (options.flags.has("--version")) {
    writeAll(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}\n`);
} else if (options.flags.has("--standard-json")) {
    const input = fs.readFileSync(options.file && options.file !== "-" ? options.file : 0, "utf8");
    writeAll(`${solc.compile(input, { import: reader(options) })}\n`);
} else {
    fail("this compiler speaks --version and --standard-json only.");
}
