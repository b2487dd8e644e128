// Runs the EgoHands detector in TensorFlow.js; called by egohands_reference.py.
//   node egohands_reference.js MODEL_FOLDER PIXELS OUT: 300 x 300 RGB bytes -> float32 raw boxes, logits, boxes, scores
const fs = require('fs');
const http = require('http');
const path = require('path');
const tf = require('@tensorflow/tfjs');

const OUTPUTS = ['Squeeze', 'concat', 'Postprocessor/ExpandDims_1', 'Postprocessor/Slice'];
const [folder, pixels, out] = process.argv.slice(2);

async function main(port) {
  const url = `http://127.0.0.1:${port}/`;
  const model = await tf.loadFrozenModel(`${url}tensorflowjs_model.pb`, `${url}weights_manifest.json`);
  const picture = tf.tensor(new Int32Array(fs.readFileSync(pixels)), [1, 300, 300, 3], 'int32');
  const tensors = await model.executeAsync({image_tensor: picture}, OUTPUTS);
  const arrays = await Promise.all(tensors.map((tensor) => tensor.data()));
  fs.writeFileSync(out, Buffer.concat(arrays.map((array) => Buffer.from(array.buffer))));
}

const server = http.createServer((request, response) => {
  response.end(fs.readFileSync(path.join(folder, path.basename(request.url))));
});
server.listen(0, '127.0.0.1', () => {
  main(server.address().port).then(() => process.exit(0), (error) => {
    console.error(error);
    process.exit(1);
  });
});
