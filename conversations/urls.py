"""URLs of the users' pages and the review."""

from django.urls import path, re_path

from conversations.pages import changes, chat, settings
from conversations.review import pages as review

urlpatterns = [
    path("", chat.chat, name="chat"),
    path("c/<uuid:conversation_id>/", chat.chat, name="conversation"),
    path("c/<uuid:conversation_id>/messages/<uuid:message_id>/", chat.message, name="message"),
    path("c/<uuid:conversation_id>/rename/", changes.rename, name="rename"),
    path("c/<uuid:conversation_id>/pin/", changes.pin, name="pin"),
    path("c/<uuid:conversation_id>/delete/", changes.delete, name="delete"),
    path("c/<uuid:conversation_id>/restore/", changes.restore, name="restore"),
    path("c/<uuid:conversation_id>/show/<uuid:message_id>/", changes.show, name="show"),
    path("sidebar/", chat.sidebar, name="sidebar"),
    path("settings/", settings.settings, name="settings"),
    re_path("^settings/export/(?P<kind>json|markdown)/$", settings.export, name="export"),
    path("settings/delete-all/", settings.delete_all, name="delete-all"),
    path("settings/tokens/", settings.make_token, name="make-token"),
    path("settings/tokens/<int:token_id>/revoke/", settings.revoke_token, name="revoke-token"),
    path("review/", review.review, name="review"),
]
