FROM build AS build-fixture
ARG TARGETARCH KIND ENTRYPOINT BUILD_COMMAND
RUN --mount=from=probe,target=/.runbake/probe --mount=from=fixture,target=/.runbake/function \
    /.runbake/probe/linux/$TARGETARCH/probe build fixture

FROM build AS build-behaviour
ARG TARGETARCH KIND BEHAVIOUR
RUN --mount=from=probe,target=/.runbake/probe --mount=from=behaviour,target=/.runbake/function \
    /.runbake/probe/linux/$TARGETARCH/probe build behaviour

FROM build AS build-broken
ARG TARGETARCH KIND BROKEN
RUN --mount=from=probe,target=/.runbake/probe --mount=from=broken,target=/.runbake/function \
    /.runbake/probe/linux/$TARGETARCH/probe build broken

FROM run AS tests
ARG TARGETARCH KIND ENTRYPOINT BEHAVIOUR BROKEN COMMAND
RUN --network=none --mount=from=probe,target=/.runbake/probe \
    --mount=from=build-fixture,source=/tmp/runbake,target=/.runbake/fixture \
    --mount=from=build-behaviour,source=/tmp/runbake,target=/.runbake/behaviour \
    --mount=from=build-broken,source=/tmp/runbake,target=/.runbake/broken \
    /.runbake/probe/linux/$TARGETARCH/probe serve

FROM scratch AS report
COPY --from=tests /tmp/runbake/report.json /

FROM tests
RUN --network=none --mount=from=probe,target=/.runbake/probe /.runbake/probe/linux/$TARGETARCH/probe verdict
