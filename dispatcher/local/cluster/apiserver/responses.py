"""JSON responses."""

import msgspec
from starlette.responses import Response

from dispatcher.local.cluster.apimachinery.objects import Object


def json_response(content: Object, code: int = 200) -> Response:
    return Response(msgspec.json.encode(content), code, media_type="application/json")
