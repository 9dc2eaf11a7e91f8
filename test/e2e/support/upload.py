"""Uploads many bytes with Python's own clients, which read the answer when all is sent, and prints its status.
upload.py http|urllib <url> <bytes>"""
import http.client
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request

client, url, count = sys.argv[1:]
body = b"x" * int(count)
context = ssl._create_unverified_context()
if client == "http":
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(parts.netloc, timeout=60, context=context)
    else:
        connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    connection.request("POST", parts.path, body=body)
    response = connection.getresponse()
    response.read()
    print(response.status)
else:
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))
    try:
        print(opener.open(url, data=body, timeout=60).status)
    except urllib.error.HTTPError as answer:
        answer.read()
        print(answer.code)
