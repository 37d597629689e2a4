"""Small pictures of pages."""

from __future__ import annotations

import base64

from playwright.sync_api import Page

_STILL = """() => Promise.allSettled(document.getAnimations()
  .filter((animation) => Number.isFinite(animation.effect.getComputedTiming().endTime))
  .map((animation) => animation.finished))"""
_QUALITY = {"format": "webp", "quality": 55}


def picture(page: Page) -> bytes:
    """Return what a page shows as WebP, once nothing moves any more."""
    page.evaluate(_STILL)
    session = page.context.new_cdp_session(page)
    try:
        return base64.b64decode(session.send("Page.captureScreenshot", _QUALITY)["data"])
    finally:
        session.detach()
