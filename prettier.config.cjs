/** @type {import('prettier').Config} */
module.exports = {
    // By path: prettier would look for a bare name beside the files it formats, while
    // "make lint" and pre-commit keep the plugin in a folder of their own.
    plugins: [require.resolve("@prettier/plugin-xml")],
    bracketSpacing: false,
    printWidth: 88,
    proseWrap: "always",
    semi: true,
    trailingComma: "es5",
    xmlSelfClosingSpace: true,
    xmlWhitespaceSensitivity: "preserve",
};
