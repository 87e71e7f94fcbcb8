export default {
  mode: "production",
  entry: "./main.js",
  output: { path: import.meta.dirname, filename: "built/main.js", clean: false, assetModuleFilename: "built/[name][ext]" },
  performance: { hints: false },
};
