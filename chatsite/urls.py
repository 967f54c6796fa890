"""The site's URLs."""

from django.contrib import admin
from django.contrib.staticfiles.storage import staticfiles_storage
from django.urls import include, path
from django.utils.functional import lazy
from django.views.generic import RedirectView

handler429 = "chatsite.failures.too_many"  # allauth's

urlpatterns = [
    path("favicon.ico", RedirectView.as_view(url=lazy(staticfiles_storage.url, str)("img/favicon.svg"))),
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.account.urls")),
    path("", include("conversations.urls")),
    path("", include("streaming.operations.urls")),
    path("", include("streaming.api.urls")),
]
